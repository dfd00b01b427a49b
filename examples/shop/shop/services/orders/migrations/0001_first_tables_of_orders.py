"""First tables of orders.

Revision 0001_first_tables_of_orders, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_first_tables_of_orders"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "buyers",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("unit_price", sa.Integer(), nullable=False),
        sa.Column("reservation", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(),
            server_default=sa.text("(CURRENT_TIMESTAMP)"),
            nullable=False,
        ),
        sa.CheckConstraint("quantity >= 1", name="orders_quantity"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reservation"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("orders_user", ["user_id", "id"], unique=False)


def downgrade() -> None:
    """Bring them back to the one before."""
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("orders_user")

    op.drop_table("orders")
    op.drop_table("buyers")
