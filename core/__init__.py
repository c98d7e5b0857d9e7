"""What the program is for: photos in, cartoons out. Knows no chat, no database."""
