"""Label book: your own labelled pictures, kept safe, checked and repaired."""
