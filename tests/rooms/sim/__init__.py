"""The simulated switch, tested over real TCP and against the recorded samples."""
