"""What is on the shelves on the first day."""

from sqlalchemy import Connection, insert, select

from .tables import Product

# Stock-keeping unit, name, price in cents, how many there are.
FIRST_GOODS = (
    ("LAMP-ARC-01", "Arc floor lamp, brushed steel", 18900, 40),
    ("CHAIR-OAK-02", "Oak dining chair", 12900, 120),
    ("DESK-STAND-03", "Standing desk, 160 x 80 cm", 54900, 25),
    ("KETTLE-STV-04", "Stovetop kettle, 2 litres", 4490, 200),
    ("GRIND-BURR-05", "Burr coffee grinder", 9900, 75),
    ("BLANKET-WL-06", "Wool blanket, 130 x 200 cm", 7900, 90),
    ("MUG-STONE-07", "Stoneware mug, set of four", 3200, 300),
    ("SHELF-WALL-08", "Wall shelf, walnut, 80 cm", 5900, 110),
    ("PAN-IRON-09", "Cast-iron pan, 26 cm", 6450, 60),
    ("BAG-CANVAS-10", "Canvas shopping bag", 1800, 500),
    ("CLOCK-WALL-11", "Wall clock, silent movement", 3990, 85),
    ("PLANTER-TC-12", "Terracotta planter, 30 cm", 2450, 150),
)


def fill_shelves(connection: Connection) -> None:
    """Put them there, unless there are products already."""
    rows = [{"sku": s, "name": n, "price": p, "available": a} for s, n, p, a in FIRST_GOODS]
    if connection.scalar(select(Product.id).limit(1)) is None:
        connection.execute(insert(Product), rows)
