"""The web app: a page for anyone with a browser, on this machine or behind a password."""
