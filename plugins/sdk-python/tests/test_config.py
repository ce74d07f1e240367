"""Schemas of classes, and configurations read into them."""

import enum
import json
import unittest
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict

from wellhead import Channel, Format, Generator, InvalidConfig, Length, Pattern, Range, config_schema, schema_of
from wellhead.config import read_config


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


@dataclass
class Site:
    """Where it is."""

    name: Annotated[str, "Its name.", Length(1, 20), Pattern("^[a-z]+$")]
    share: Annotated[float, Range(0, 1)] = 0.5


@dataclass
class Config:
    """What can be set."""

    count: Annotated[int, Range(1, 10_000), "How many."] = 50
    mode: Mode = Mode.FAST
    kind: Literal["one", 2] = "one"
    sites: Annotated[list[Site], Length(0, 3)] = field(default_factory=lambda: [Site("a")])
    names: dict[str, int] = field(default_factory=dict)
    maybe: int | None = None
    old: Optional[str] = field(default=None, metadata={"deprecated": True})
    more: Any = None


class Row(TypedDict):
    at: Annotated[str, Format("date-time")]
    n: int


class Configured(Generator[Config]):
    name, version, summary = "configured", "0.1.0", "A test."


class Schemas(unittest.TestCase):
    def test_a_dataclass(self):
        schema = json.loads(config_schema(Configured))
        self.assertFalse(schema["additionalProperties"])
        self.assertEqual(schema["description"], "What can be set.")
        properties = schema["properties"]
        count = {"type": "integer", "minimum": 1, "maximum": 10_000, "description": "How many.", "default": 50}
        self.assertEqual(properties["count"], count)
        self.assertEqual(properties["mode"], {"enum": ["fast", "slow"], "default": "fast"})
        self.assertEqual(properties["kind"], {"enum": ["one", 2], "default": "one"})
        self.assertEqual(properties["maybe"], {"type": ["integer", "null"], "default": None})
        self.assertTrue(properties["old"]["deprecated"])
        self.assertEqual(properties["sites"]["maxItems"], 3)
        self.assertEqual(properties["sites"]["default"], [{"name": "a", "share": 0.5}])
        site = properties["sites"]["items"]
        self.assertEqual((site["required"], site["additionalProperties"]), (["name"], False))
        self.assertEqual(site["properties"]["name"]["pattern"], "^[a-z]+$")
        self.assertEqual(site["properties"]["name"]["maxLength"], 20)
        self.assertEqual(properties["names"]["additionalProperties"], {"type": "integer"})

    def test_a_typed_dict_of_a_record(self):
        channel = Channel.of("row", Row)
        schema = json.loads(channel.schema)
        self.assertEqual(schema["required"], ["at", "n"])
        self.assertEqual(schema["properties"]["at"], {"type": "string", "format": "date-time"})
        self.assertNotIn("additionalProperties", schema)

    def test_types_without_a_schema(self):
        @dataclass
        class Wrong:
            field: complex = 1j

        class Pair(NamedTuple):
            a: int

        for kind in (Wrong, Pair, set):
            with self.assertRaisesRegex(TypeError, "has no JSON Schema: use bool, int"):
                schema_of(kind)

        class Plain(Generator[int]):
            pass

        with self.assertRaisesRegex(TypeError, "not a dataclass"):
            config_schema(Plain)


class Reading(unittest.TestCase):
    def test_what_is_given_and_what_is_not(self):
        config = read_config(Config, '{"count": 7.0, "mode": "slow", "sites": [{"name": "b"}], "names": {"x": 1}}')
        self.assertEqual(config, Config(count=7, mode=Mode.SLOW, sites=[Site("b", 0.5)], names={"x": 1}))
        self.assertEqual(read_config(Config, "{}"), Config())
        self.assertIsInstance(read_config(Site, '{"name": "a", "share": 1}').share, float)

    def test_what_is_wrong_says_where(self):
        for text, words in [
            ("[]", "the configuration is [], and must be an object"),
            ("{", "not JSON"),
            ('{"cuont": 1}', "unknown field `cuont`, did you mean `count`?"),
            ('{"count": "1"}', '`count` is "1", and must be a whole number'),
            ('{"count": true}', "`count` is true, and must be a whole number"),
            ('{"count": 1.5}', "`count` is 1.5, and must be a whole number"),
            ('{"sites": [{}]}', "`sites[0].name` is missing"),
            ('{"sites": [{"name": 1}]}', "`sites[0].name` is 1, and must be a string"),
            ('{"mode": "quick"}', "`mode` is \"quick\", and must be one of 'fast', 'slow'"),
            ('{"kind": 1}', "must be one of 'one', 2"),
            ('{"names": {"x": "y"}}', "`names.x` is \"y\", and must be a whole number"),
            ('{"maybe": "x"}', "`maybe` is \"x\", and must be a whole number"),
        ]:
            with self.assertRaises(InvalidConfig) as raised:
                read_config(Config, text)
            self.assertIn(words, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
