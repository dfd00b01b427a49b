"""The conference service: one answer out of what six programs know."""

import datetime

from coterie.composition.composite import optional, together

from .contracts.conference import Conference, Entry, NoSuchTalk, TalkPage, VoteRefused
from .contracts.plans import Plans
from .contracts.rooms import Rooms
from .contracts.schedule import NotScheduled, Schedule
from .contracts.speakers import Speakers
from .contracts.talks import Talk, TalkNotFound, Talks
from .contracts.votes import Count, NotAVote, Vote, Votes

PLANS = "/plans"
"""Where the gateway has the floor plans, as `coterie.toml` says."""

LAST = datetime.datetime.max.replace(tzinfo=datetime.UTC)


class ConferenceService(Conference):
    """Asks the programs by their contracts; in which framework each is written, it cannot tell."""

    def __init__(
        self,
        talks: Talks,
        speakers: Speakers,
        rooms: Rooms,
        schedule: Schedule,
        votes: Votes,
        plans: Plans,
    ) -> None:
        self.talks = talks
        self.speakers = speakers
        self.rooms = rooms
        self.schedule = schedule
        self.votes = votes
        self.plans = plans

    async def programme(self) -> list[Entry]:
        talks, speakers, slots = await together(
            self.talks.talks(),
            self.speakers.speakers(),
            optional(self.schedule.slots(), default=[]),
        )
        names = {speaker.id: speaker.name for speaker in speakers}
        starts = {slot.talk_id: slot.starts for slot in slots}
        entries = [
            Entry(talk.id, talk.title, names[talk.speaker_id], starts.get(talk.id))
            for talk in talks
        ]
        return sorted(entries, key=lambda entry: entry.starts or LAST)

    async def talk(self, id: int) -> TalkPage:
        talk = await self._talk(id)
        speaker, room, slot, votes, floors = await together(
            self.speakers.speaker(talk.speaker_id),
            self.rooms.room(talk.room),
            optional(self.schedule.slot(id), default=None, forgives=NotScheduled),
            optional(self.votes.votes(id), default=None),
            optional(self.plans.floors(), default=[]),
        )
        plans = {floor.floor: f"{PLANS}/{floor.plan}" for floor in floors}
        return TalkPage(
            id=id,
            title=talk.title,
            speaker=speaker,
            room=room,
            starts=slot.starts if slot else None,
            minutes=slot.minutes if slot else None,
            votes=votes,
            plan=plans.get(room.floor),
        )

    async def vote(self, id: int, vote: Vote) -> Count:
        await self._talk(id)  # the votes would count for a talk that does not exist
        try:
            return await self.votes.vote(id, vote)
        except NotAVote as refused:
            raise VoteRefused(refused.error) from None

    async def _talk(self, id: int) -> Talk:
        try:
            return await self.talks.talk(id)
        except TalkNotFound:
            raise NoSuchTalk(id) from None
