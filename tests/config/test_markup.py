"""The templates can be read and compared line by line."""

from django.conf import settings

LONGEST = 140  # as in .djlint_rules.yaml, which does not look into comments and style sheets


def test_no_line_of_a_template_is_too_long_to_review() -> None:
    files = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
    long = [
        f"{file.relative_to(settings.BASE_DIR)}:{number}: {len(line)} characters"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert files
    assert not long
