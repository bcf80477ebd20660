"""What the site is made of: the groups of its navigation, and references made of OpenAPI."""

from docs import described
from docs.conf import BELOW, groups
from tests.docs.pages import PAGES, ROOT, name

API = {
    "paths": {
        "/v1/things/{thing}": {
            "parameters": [{"name": "thing", "in": "path"}],
            "post": {
                "summary": "Change a thing.",
                "x-readyup-role": "admin",
                "parameters": [{"name": "Trace", "in": "header", "description": "Yours."}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/c/ThingIn"}}}
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/c/Thing"}}}},
                    "204": {"description": "It is gone."},
                    "404": {"content": {"application/json": {"schema": {"$ref": "#/c/Problem"}}}},
                },
            },
        }
    },
    "components": {
        "schemas": {
            "ThingIn": {
                "description": "A change.",
                "properties": {
                    "names": {
                        "type": "array",
                        "items": {"type": "string"},
                        "maxItems": 1000,
                        "description": "What it is called.",
                    },
                    "size": {"type": ["number", "null"], "exclusiveMinimum": 0},
                    "of": {"type": "object", "additionalProperties": {"$ref": "#/c/Thing"}},
                },
                "required": ["names"],
            },
            "Thing": {"enum": ["small", "large"]},
        }
    },
}


def test_a_route_tells_what_it_takes_and_answers():
    (row,) = described.routes(API).splitlines()[2:]

    assert row == (
        "| `POST /v1/things/{thing}` | Change a thing. For admin. "
        "| [ThingIn](#thingin); header `Trace`: Yours "
        "| 200: [Thing](#thing); 204: It is gone. | 404 |"
    )


def test_a_shape_tells_its_fields_and_their_limits():
    assert described.shapes(API).splitlines() == [
        "### ThingIn",
        "",
        "A change.",
        "",
        "| field | value | needed | |",
        "|---|---|---|---|",
        "| `names` | list of text | yes | What it is called. At most 1,000 of them. |",
        "| `size` | number or null |  | Above 0. |",
        "| `of` | object of [Thing](#thing) |  |  |",
        "",
        "### Thing",
        "",
        "One of `small`, `large`.",
    ]


def test_every_page_has_one_place_in_the_navigation():
    contents = (ROOT / "docs/README.md").read_text("utf-8")
    listed = [page for pages in groups(contents).values() for page in pages]
    hanging = {name(one) for of in BELOW.values() for one in ROOT.glob(f"{of}.md")}
    first = {"README.md", "docs/README.md"}

    assert sorted(listed) == sorted(set(listed))
    assert {f"{one}.md" for one in listed} | hanging | first == set(map(name, PAGES))
