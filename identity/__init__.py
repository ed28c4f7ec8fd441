"""Signing in by others: issuers of tokens outside of POMS, sessions of browsers, and tokens for scripts."""
