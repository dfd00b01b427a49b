"""Bookings.

Revision 0002_bookings, after 0001_first_tables_of_orders.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_bookings"
down_revision = "0001_first_tables_of_orders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "bookings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("reservation", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("given_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Bring them back to the one before."""
    op.drop_table("bookings")
