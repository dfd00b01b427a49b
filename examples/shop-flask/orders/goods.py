"""What is on the shelves on the first day."""

from sqlalchemy import insert, select

from central.database import db, writing
from central.tables import Product

# Name, price in cents, how many there are.
FIRST_GOODS = (
    ("Arc floor lamp, brushed steel", 18900, 40),
    ("Oak dining chair", 12900, 120),
    ("Standing desk, 160 x 80 cm", 54900, 25),
    ("Stovetop kettle, 2 litres", 4490, 200),
    ("Burr coffee grinder", 9900, 75),
    ("Wool blanket, 130 x 200 cm", 7900, 90),
    ("Stoneware mug, set of four", 3200, 300),
    ("Wall shelf, walnut, 80 cm", 5900, 110),
    ("Cast-iron pan, 26 cm", 6450, 60),
    ("Canvas shopping bag", 1800, 500),
    ("Wall clock, silent movement", 3990, 85),
    ("Terracotta planter, 30 cm", 2450, 150),
)


def fill_shelves() -> None:
    """Put them there, unless there are products already."""
    rows = [{"name": n, "price": p, "available": a} for n, p, a in FIRST_GOODS]
    with writing():
        if db.session.scalar(select(Product.id).limit(1)) is None:
            db.session.execute(insert(Product), rows)
