"""What happened, told to others: tickets, matches, sessions and results for a studio's pipeline.

docs/events.md is for those who read it there.
"""
