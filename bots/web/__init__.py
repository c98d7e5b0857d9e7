"""The local web chat: a page on this machine, for anyone without a bot token."""
