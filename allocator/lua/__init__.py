"""Rooms and claims as Lua: each file is one transition of one fleet's slot."""
