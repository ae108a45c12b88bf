"""vietnamese: is a text Vietnamese, or bytes read in the wrong encoding?

In:   text
Out:  whether each of its words with marks is a Vietnamese syllable
Docs: the syllable of Vietnamese: initial, nucleus, final, and one of six tones
"""

from __future__ import annotations

import re
import unicodedata

_INITIAL = r"(?:ngh?|nh|gh?|gi|kh?|ph?|qu|th?|tr|ch?|[bdđhlmnrsvx])?"
_NUCLEUS = (
    r"(?:uyêu|uyê|uya|uyu|uôi|ươi|ươu|iêu|yêu|oai|oay|oao|oeo|uây|iê|yê|uô|ươ|uâ|uê|uơ|uy|oa|oă|oe|oo|ia|ua|ưa|"
    r"ai|ao|au|ay|âu|ây|eo|êu|iu|oi|ôi|ơi|ui|ưi|ưu|[aăâeêioôơuưy])"
)
_SYLLABLE = re.compile(rf"{_INITIAL}{_NUCLEUS}(?:ng|nh|ch|[cmnpt])?")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def makes_sense(text: str, any_case: bool = False) -> bool:
    """Is every character beyond ASCII part of a well-formed syllable? `any_case`: capitals may stand anywhere."""
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if sum(len(_BEYOND_ASCII.findall(word)) for word in words) != len(_BEYOND_ASCII.findall(text)):
        return False
    return bool(words) and all(_is_syllable(word, any_case) for word in words)


def _is_syllable(word: str, any_case: bool) -> bool:
    if not (any_case or word.islower() or word.isupper() or word.istitle()):
        return False
    marks = unicodedata.normalize("NFD", word.lower())
    if sum(mark in _TONES for mark in marks) > 1:
        return False
    plain = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
    return bool(_SYLLABLE.fullmatch(plain))
