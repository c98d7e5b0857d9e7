"""Photos that come one by one -> jobs, on a clock that the test reads aloud."""

from hypothesis import given
from hypothesis import strategies as st

from bots.albums import FULL_GROUP, LATE_SECONDS, Album, Albums
from core.jobs import MAX_PHOTOS

WINDOW, LONE = 2.0, 0.5


def albums() -> Albums:
    return Albums(WINDOW, LONE)


def note_many(desk: Albums, count: int, group: str | None, now: float = 0.0) -> list[Album]:
    return [desk.note("anna", group, now)[0] for _ in range(count)]


def test_photos_of_one_album_gather_until_it_has_been_quiet():
    desk = albums()
    album, opened = desk.note("anna", "g", 10.0)
    assert opened
    assert album.closes_at == 10.0 + WINDOW
    again, opened = desk.note("anna", "g", 11.5)
    assert again is album
    assert not opened
    assert album.closes_at == 11.5 + WINDOW
    assert album.photos == 2


def test_a_photo_by_itself_waits_a_moment_only():
    album, _ = albums().note("anna", None, 10.0)
    assert album.closes_at == 10.0 + LONE


def test_a_lone_photo_does_not_shorten_an_albums_window():
    desk = albums()
    album, _ = desk.note("anna", "g", 10.0)
    desk.note("anna", None, 10.1)
    assert album.closes_at == 10.0 + WINDOW


def test_two_albums_sent_together_become_one_job():
    desk = albums()
    first = note_many(desk, 10, "one")
    second = note_many(desk, 10, "two", now=1.0)
    assert len({id(album) for album in first + second}) == 1
    assert first[0].photos == 20


def test_after_a_full_album_the_next_one_is_waited_for_longer():
    desk = albums()
    *_, ninth = note_many(desk, FULL_GROUP - 1, "one", now=5.0)
    assert ninth.closes_at == 5.0 + WINDOW
    desk.note("anna", "one", 5.0)
    assert ninth.closes_at == 5.0 + 2 * WINDOW


def test_an_album_after_the_window_is_a_job_of_its_own():
    desk = albums()
    (first,) = note_many(desk, 1, "one")
    desk.close(first)
    second, opened = desk.note("anna", "two", 5.0)
    assert opened
    assert second is not first


def test_a_late_sibling_opens_its_album_again():
    desk = albums()
    (album,) = note_many(desk, 1, "g")
    desk.close(album)
    assert not album.is_open
    again, opened = desk.note("anna", "g", 12.0)
    assert again is album
    assert opened
    assert album.is_open
    assert album.closes_at == 12.0 + WINDOW


def test_only_siblings_open_an_album_again():
    desk = albums()
    (album,) = note_many(desk, 1, "g")
    desk.close(album)
    desk.note("anna", "g", 12.0)
    lone, opened = desk.note("anna", None, 12.1)
    assert opened
    assert lone is not album


def test_a_late_sibling_finds_its_own_job_while_another_one_is_open():
    desk = albums()
    (early,) = note_many(desk, 1, "one")
    desk.close(early)
    (late,) = note_many(desk, 1, "two", now=5.0)
    assert desk.note("anna", "one", 5.5) == (early, True)
    desk.close(early)
    assert desk.note("anna", None, 5.6) == (late, False)


def test_the_twenty_first_photo_starts_a_new_job():
    desk = albums()
    *_, full = note_many(desk, MAX_PHOTOS, "g")
    rest, opened = desk.note("anna", "g", 0.0)
    assert opened
    assert rest is not full
    assert desk.note("anna", "g", 0.0) == (rest, False)
    desk.close(full)
    assert desk.note("anna", None, 0.0) == (rest, False)


def test_people_and_chats_do_not_mix():
    desk = albums()
    found = [desk.note(key, "g", 0.0) for key in (("anna", 1), ("ben", 1), ("anna", 2))]
    assert all(opened for _, opened in found)
    assert len({id(album) for album, _ in found}) == 3


def test_a_complete_album_closes_at_once():
    desk = albums()
    note_many(desk, 3, "g")
    album, _ = desk.note("anna", "g", 0.5, complete=True)
    assert album.closes_at == 0.5
    assert desk.note("ben", None, 7.0, complete=True)[0].closes_at == 7.0


def test_closing_twice_closes_nothing_else():
    desk = albums()
    (first,) = note_many(desk, 1, None)
    desk.close(first)
    (second,) = note_many(desk, 1, None)
    desk.close(first)
    assert desk.note("anna", None, 0.0) == (second, False)


def test_old_albums_are_forgotten_and_young_or_open_ones_are_not():
    desk = albums()
    (old,) = note_many(desk, 1, "old")
    desk.close(old)
    note_many(desk, 1, "open")
    assert desk.note("anna", "old", WINDOW + LATE_SECONDS) == (old, True)
    desk.close(old)
    late = old.closes_at + LATE_SECONDS + 0.1
    fresh, _ = desk.note("anna", "old", late)
    assert fresh is not old
    # The album that was never closed is still there, however late it is.
    assert desk.note("anna", "open", late) == (fresh, False)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "two", None]), st.floats(0, 3)), max_size=80)
)
def test_no_job_is_ever_larger_than_allowed_and_no_photo_is_lost(photos: list[tuple[str, str | None, float]]):
    desk, now = albums(), 0.0
    counts: dict[Album, int] = {}
    for key, group, pause in photos:
        now += pause
        for album in counts:
            if album.is_open and album.closes_at <= now:
                desk.close(album)
        already_open = {album for album in counts if album.is_open}
        album, opened = desk.note(key, group, now)
        assert album.key == key
        assert album.is_open
        assert opened == (album not in already_open)
        counts[album] = counts.get(album, 0) + 1
    assert sum(counts.values()) == len(photos)
    assert all(album.photos == count <= MAX_PHOTOS for album, count in counts.items())
