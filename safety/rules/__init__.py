"""The safety rules, one file each: what acts, when, how, and who resets it."""
