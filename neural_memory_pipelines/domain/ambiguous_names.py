"""Words that are names and something else besides. Who bears them is not known here."""

from __future__ import annotations

from neural_memory_pipelines.domain.summaries.words import STOP_WORDS

_DAYS_AND_MONTHS = """
    january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
"""
_COMMON_WORDS = """
    abbey ace admin alert amber an angel apache api app art ash aspen aurora autumn axe bailey bar basil bay bear
    beau bell bent berry beta bill billy birch bird bishop blaze bliss bloom blossom blue bob bold bond book boot
    bot branch brand breeze brook brooks buck bud buddy build bunny burn cache cameo can cane carol case cash cat
    chance chap chase cherry chip chris christian chuck claim clay cliff cloud clover coco code cody colt cook
    cookie cooper coral core cotton crew cruise crystal curt cyan daisy dale dash data dawn day deal dean deb
    debit deck dev diamond dick diesel do doc dot dove drew duke dusty earl early east easter echo eden elder
    ember emerald eve even event ever faith fan fern finch fisher fletcher flint florence flow ford forest fox
    frank free gage garnet gay gem gene ghost ginger glen golden grace grant gray green guest guy hale happy
    harbor hardy harmony harry hazel heart heath heather helm henna heron hill holly honey honor hook hope hub
    hunt hunter ice indigo iris iron island ivory ivy jack jade jasmine jasper java jay jazz jean jet jewel job
    john jolly josh journey joy jude juniper just kale key king kit knight lake lance land lane lark laurel lily
    linden ling link live lock long lotus love lucky luna lux mac magic main major male man maple mark mars marsh
    mason master max maxim meadow melody mercury mercy merit merry mick mike miles miller minor mint miracle misty
    mod moon moss my nature nick night noble node north nova null oak ocean odd olive opal ops orbit orion page
    pan parish park parker pat patience patsy paw peace peaches pearl penny pepper per perry pet petal phoenix
    pierce pike pilot pine pip piper poppy port porter post prince princess promise proxy puck python queen rain
    ralph raven ray red reed reef reese release rich ridge rip river road rob robin rock rocky rod roman romeo
    root rose rosemary rowan ruby rune rush russet rust rusty sage sailor saint sally sam sand sandy savannah
    scarlet scout sea season server shadow shell sherry sierra silver skip sky smith snow sol son song sonny
    spencer spirit spring star stella stem stone storm strong su sue summer sun sunny support sweet system tab tad
    talent tan tara taylor teal team temple test time tom topaz tor trace tracker trinity trip tristan true tucker
    tulip turner unit us valentine van venus victor victory viola violet vivid wade walker ward warden wave way
    web west wharf wheeler will william willow win winter wise wish wolf wood worth wren young zen zip
"""

DAYS_AND_MONTHS = frozenset(_DAYS_AND_MONTHS.split())
"""Names of days and months, which are written like names of people."""

AMBIGUOUS_NAMES = STOP_WORDS.union(DAYS_AND_MONTHS, _COMMON_WORDS.split())
"""Given names, and logins such as people choose, that are also words of English or of the trade, in lower case."""
