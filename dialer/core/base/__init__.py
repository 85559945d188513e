"""The contact's life: who comes first (`priority`), what follows an ending (`rounds`)."""
