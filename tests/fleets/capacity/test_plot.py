"""The picture: every policy is in it, less idle time further left, fewer cold starts lower."""

from xml.etree import ElementTree as ET

import numpy as np

from fleets.capacity.plot import plot
from fleets.capacity.yard import Score

SVG = "{http://www.w3.org/2000/svg}"


def score(name: str, cold: int, hours: float) -> Score:
    return Score(name, 1000, cold, np.ones(cold), hours, 1, 1)


def test_each_policy_has_a_mark_where_it_belongs():
    scores = [score("readyup", 1, 500), score("buffer:5 <&", 300, 100), score("oracle", 0, 90)]

    picture = ET.fromstring(plot("a & b", scores, scores[:2]))  # noqa: S314

    marks = [(float(m.get("cx", "")), float(m.get("cy", ""))) for m in picture.iter(f"{SVG}circle")]
    (ours, buffer, oracle) = marks
    assert oracle[0] < buffer[0] < ours[0]
    assert buffer[1] < ours[1] < oracle[1]
    assert len(list(picture.iter(f"{SVG}polyline"))) == 1
    assert "buffer:5 <&" in [text.text for text in picture.iter(f"{SVG}text")]


def test_a_policy_without_any_idle_time_still_has_a_mark():
    picture = plot("still", [score("readyup", 0, 0.0)])

    assert picture.count("<circle") == 1
