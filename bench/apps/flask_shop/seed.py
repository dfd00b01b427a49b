# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""Makes the three databases: `python -m bench.apps.flask_shop.seed users products stock`."""

import sys

from werkzeug.security import generate_password_hash

from bench.apps.flask_shop import inventory, orders, users


def main(user_count: int, product_count: int, stock: int) -> None:
    with users.app.app_context():
        users.db.create_all()
        secret = generate_password_hash("newPassword")
        for number in range(1, user_count + 1):
            users.db.session.add(
                users.User(
                    username=f"user{number}", password_hash=secret, address=f"{number} High Street"
                )
            )
        users.db.session.commit()
    with inventory.app.app_context():
        inventory.db.create_all()
        for number in range(1, product_count + 1):
            inventory.db.session.add(
                inventory.Product(name=f"Product {number}", cents=1_999, available=stock)
            )
        inventory.db.session.commit()
    with orders.app.app_context():
        orders.db.create_all()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
