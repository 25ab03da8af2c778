"""Whether a sentence speaks of a date as ahead: a false alarm costs more than a miss."""

from __future__ import annotations

import pytest

from composer.checks.leftovers.dates import find_dates
from composer.checks.leftovers.signals import is_report
from composer.checks.leftovers.tense import Sentences

AHEAD = """\
Fees double on 2 July, prices double on 2 July at 23:59 PT
Register to attend the fair before prices increase 2 July at 23:59 PST
The next gathering is scheduled for October 27-31, 2025. The survey is over
On September 8-9, the Garden Fair | Tool Fair will take place in Springfield
Contracts must be signed by July 17, 2026.
seats open Wednesday, February 4, with voting to follow
Nominations will close 2 September at 23:59 PT. Then we rest
The winner will be announced at the fair on Friday, 17 October.
The deadline is 8 July at 23:59 PT
Deadline: 31 January
Submit by 31 January
RSVP by Jan. 5.
The survey that was announced last week is open until 31 January.
The call for talks closes on 28 February. After that the form is gone
Join us in Springfield on 17-19 October
Join us from 5 to 7 May
Join us on Tuesday, 14 October, 14:00 UTC
Save the date: 5 May
The deadline has been extended to 31 January
The deadline was extended until 31 January
The election was moved to 5 May
Early bird until 31 January
By January 31, send us your talk
Applications are due 31 January
5 May is the last day to register
31 January: talks close
Interested? Register by 5 May
Places are limited; sign up by 5 May!
Nominations are open until 5 May
See you next Tuesday, 14 October
If you are interested in taking part, apply before 5 May.
The elections take place on 5 May
We'll be in Springfield on 5 May
Apply by the end of January
Voting is open now for the board (see the list) until Friday, January 17 at 1900 UTC
The team will be upgrading the shed on December 7, 2025 at 21:00 UTC.
REGISTER BY 31 JANUARY
Registration: 5 May
The meetup is on 5 May
Tickets are on sale until 5 May
5-7 May: join us in Lisbon
You have until 5 May to vote""".splitlines()

REPORTED = """\
We replaced all keys and locks in our shed on January 8, 2026. You may need new ones
We met on 5 January
has a new telephone number starting the week of June 23, 2025! Check it
From Wednesday, 4 February you can stand for a seat
Springfield hosts four fairs at once on 8 and 9 September
On 8 January 2026 all keys were replaced
registration was open until 31 January
She served as chair until 31 January
Mail is lost from 1 March on
Read the notes from 5 January and register for the next call
Register for the release of 5 January
In our 5 January post we explain how to register
Applications were due 31 January
On 5 January, the fair took place
On 5 January we opened the shed, please register
Since 5 January the service is faster
The release of 5 January will be the last
By January 31, all nominations were in
Voting ended on 5 May
the vote that closed on 5 May was won by Ada
After 31 January the form is gone
The club was founded on 5 May 2010
Version 4.0 | 12 January | supported
Ada joined on 5 May and will lead the team
We announced on 5 January that the fair will be in Springfield
the last day was 5 May
Minutes: 5 May
We moved to a new shed on 5 January
Thanks for going to the meeting on 5 January
you should read our post on 5 January
Those who could not attend on 5 January
who missed the deadline on 5 January
due to the storm on 5 January
Our last call on 5 January
The new book on 5 May
You must have joined as a member by Sunday, July 14, 2024 to vote in this election""".splitlines()


@pytest.mark.parametrize("text", AHEAD)
def test_spoken_of_as_ahead(text):
    """Deadlines, calls and announcements, in the forms that real letters have."""
    assert Sentences(text).is_ahead(find_dates(text)[-1])


@pytest.mark.parametrize("text", REPORTED)
def test_reported_or_unclear(text):
    """What happened, what began, and whatever does not say."""
    assert not Sentences(text).is_ahead(find_dates(text)[0])


def test_a_neighbouring_sentence_says_nothing():
    """Only the date's own sentence counts, and a short form's dot ends none."""
    text = "Register now! Ada won on 5 January. The next deadline, as Dr. Grace says, is 6 February."
    first, second = find_dates(text)
    assert (Sentences(text).is_ahead(first), Sentences(text).is_ahead(second)) == (False, True)


@pytest.mark.parametrize(
    "text", ["12 January | Fair | Watch the recording", "3 May | Slides", "3 May | The fair was a joy", "3 May | cancelled"]
)
def test_an_event_that_is_kept_for_what_is_left(text):
    """Such a line belongs in a letter after the day."""
    assert is_report(text)


def test_an_event_that_is_to_come():
    """A plain line is no report."""
    assert not is_report("12 January | [Fair](https://www.example.org) in Springfield | Booth 3")
