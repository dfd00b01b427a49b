"""A conference: six programs that know nothing of Coterie, and one service that asks them all."""
