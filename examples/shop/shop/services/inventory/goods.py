"""What is on the shelves on the first day."""

from shop.contracts.inventory import NewProduct

__all__ = ["FIRST_GOODS"]

FIRST_GOODS = (
    NewProduct("LAMP-ARC-01", "Arc floor lamp, brushed steel", 18900, 40),
    NewProduct("CHAIR-OAK-02", "Oak dining chair", 12900, 120),
    NewProduct("DESK-STAND-03", "Standing desk, 160 x 80 cm", 54900, 25),
    NewProduct("KETTLE-STV-04", "Stovetop kettle, 2 litres", 4490, 200),
    NewProduct("GRIND-BURR-05", "Burr coffee grinder", 9900, 75),
    NewProduct("BLANKET-WL-06", "Wool blanket, 130 x 200 cm", 7900, 90),
    NewProduct("MUG-STONE-07", "Stoneware mug, set of four", 3200, 300),
    NewProduct("SHELF-WALL-08", "Wall shelf, walnut, 80 cm", 5900, 110),
    NewProduct("PAN-IRON-09", "Cast-iron pan, 26 cm", 6450, 60),
    NewProduct("BAG-CANVAS-10", "Canvas shopping bag", 1800, 500),
    NewProduct("CLOCK-WALL-11", "Wall clock, silent movement", 3990, 85),
    NewProduct("PLANTER-TC-12", "Terracotta planter, 30 cm", 2450, 150),
)
