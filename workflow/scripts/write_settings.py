"""Every configuration key with its values, its default and its meaning, as a Markdown page made from the schema.

write_settings.py --schema workflow/schemas/config.schema.yaml --page docs/settings.md
"""

import json
from collections.abc import Iterator
from pathlib import Path

from galaxies.config import load_yaml
from galaxies.files import write_text
from galaxies.scripting import run_script

HEAD = """# Every key

Made from the schema by `workflow/scripts/write_settings.py`. [config/README.md](../config/README.md) explains how they
work together; published values, with the section of the paper that each comes from, are in
`config/experiments/<paper>.yaml`.
"""
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "{} values or more",
    "maxItems": "{} values or fewer",
}


def main(schema: Path, page: Path) -> None:
    """Write the page: a section for the run, and one for each definition with keys."""
    rules = load_yaml(schema)
    parts = [HEAD]
    for name, node in {"the run": rules, **rules["$defs"]}.items():
        rows = list(keys(node, rules["$defs"]))
        if rows:
            title = name if name == "the run" else f"`{name}`"
            description = "" if name == "the run" else sentence(node)
            lines = [
                "| key | values | default | meaning |",
                "|---|---|---|---|",
                *("| " + " | ".join(r) + " |" for r in rows),
            ]
            parts.append(f"## {title}\n\n{description}" + "\n".join(lines) + "\n")
    write_text(page, "\n".join(parts))


def sentence(node: dict) -> str:
    return f"{' '.join(node['description'].split())}.\n\n" if "description" in node else ""


def keys(node: dict, definitions: dict, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, values, default and meaning of each key of a node, those inside others with a dot."""
    for name, rule in node.get("properties", {}).items():
        target, whole = referenced(rule, definitions)
        meaning = " ".join(whole.get("description", "").split()).replace("|", "\\|")
        if target and "properties" in whole:
            meaning += f"{'; ' if meaning else ''}keys: [{target}](#{target})"
        default = (
            f"`{json.dumps(whole['default'])}`"
            if "default" in whole
            else "required"
            if name in node.get("required", [])
            else ""
        )
        yield f"`{prefix}{name}`", values(whole, definitions), default, meaning
        if "properties" in rule:
            yield from keys(rule, definitions, f"{prefix}{name}.")


def referenced(rule: dict, definitions: dict) -> tuple[str, dict]:
    """Name of the definition that a rule refers to, or "", and the rule together with it."""
    name = rule.get("$ref", "").removeprefix("#/$defs/")
    return name, {**definitions.get(name, {}), **rule}


def values(rule: dict, definitions: dict) -> str:
    """What a key may be, in words."""
    if "const" in rule:
        return f"`{rule['const']}`"
    if "enum" in rule:
        return ", ".join(f"`{json.dumps(v) if isinstance(v, bool) else v}`" for v in rule["enum"])
    if "oneOf" in rule:
        return " or ".join(values(referenced(child, definitions)[1], definitions) or "…" for child in rule["oneOf"])
    kinds = rule.get("type", [])
    text = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in rule:
        inner = values(referenced(rule["items"], definitions)[1], definitions)
        text += f" of {inner}" if inner else ""
    bounds = [phrase.format(rule[key]) for key, phrase in BOUNDS.items() if key in rule]
    return ", ".join([text, *bounds])


if __name__ == "__main__":
    run_script(main, globals().get("snakemake"))
