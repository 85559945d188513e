"""The journal of people's words, in files beside the database."""
