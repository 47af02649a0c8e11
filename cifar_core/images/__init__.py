"""Bytes that nobody trusts become one upright RGB picture. Without torch."""
