-- Numbers of another system's list that have not come yet: when they do they are taken, though
-- later ones have come before them. A row that was refused stands here until it comes whole.
CREATE TABLE stop_gaps (
    source text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= first),
    PRIMARY KEY (source, first)
);
