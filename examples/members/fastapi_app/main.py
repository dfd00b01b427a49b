"""When each talk begins."""

from datetime import datetime

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI(title="Schedule", version="1.0")


class Slot(BaseModel):
    talk_id: int
    starts: datetime
    minutes: int


SLOTS = {
    1: Slot(talk_id=1, starts=datetime.fromisoformat("2027-05-12T09:00:00+02:00"), minutes=45),
    2: Slot(talk_id=2, starts=datetime.fromisoformat("2027-05-12T10:00:00+02:00"), minutes=30),
}


@app.get("/slots")
async def list_slots() -> list[Slot]:
    return sorted(SLOTS.values(), key=lambda slot: slot.starts)


@app.get("/slots/{talk_id}", responses={404: {"description": "Not scheduled yet"}})
async def get_slot(talk_id: int) -> Slot:
    if talk_id not in SLOTS:
        raise HTTPException(status_code=404, detail=f"Talk {talk_id} is not scheduled yet")
    return SLOTS[talk_id]
