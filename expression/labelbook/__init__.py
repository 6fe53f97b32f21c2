"""Label book: your own labelled pictures, stored safely, checked and repaired."""
