"""What a person touches: chats, the web page, the command line. `app` puts the program together."""
