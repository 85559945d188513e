"""One file per verb; imported lazily, so that --help loads no gevent room."""
