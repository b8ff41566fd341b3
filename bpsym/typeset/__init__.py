"""Steps to a medium. `numbers` is shared by all media; the words are in `phrases`."""
