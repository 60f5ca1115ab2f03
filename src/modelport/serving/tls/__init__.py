"""Credentials of HTTPS: what is accepted, and its renewal."""
