"""Agones' SDK as a game server uses it."""
