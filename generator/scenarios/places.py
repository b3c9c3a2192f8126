"""Where people live and travel to: cities with their country, coordinates and time zone. Pure."""

from __future__ import annotations

import math
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

EARTH_RADIUS_KM: Final = 6371.0088
HOUR_MS: Final = 3_600_000

# Nobody is faster: an airliner's speed from door to door, and the way to it and from it.
TRAVEL_KM_PER_HOUR: Final = 700
TRAVEL_EXTRA_HOURS: Final = 3


class City(NamedTuple):
    """A place on earth: ISO 3166 code, degrees north and east, IANA time zone."""

    country: str
    latitude: float
    longitude: float
    zone: ZoneInfo


def _cities(table: str) -> tuple[City, ...]:
    rows = (line.split() for line in table.strip().splitlines())
    return tuple(City(country, float(north), float(east), ZoneInfo(zone)) for country, north, east, zone in rows)


# All around the earth, so that it is day for about as many at any hour.
CITIES: Final = _cities("""
DE  52.5200   13.4050 Europe/Berlin
DE  48.1374   11.5755 Europe/Berlin
FR  48.8566    2.3522 Europe/Paris
ES  40.4168   -3.7038 Europe/Madrid
IT  41.9028   12.4964 Europe/Rome
GB  51.5072   -0.1276 Europe/London
SE  59.3293   18.0686 Europe/Stockholm
GR  37.9838   23.7275 Europe/Athens
TR  41.0082   28.9784 Europe/Istanbul
EG  30.0444   31.2357 Africa/Cairo
NG   6.5244    3.3792 Africa/Lagos
KE  -1.2921   36.8219 Africa/Nairobi
ZA -26.2041   28.0473 Africa/Johannesburg
AE  25.2048   55.2708 Asia/Dubai
PK  24.8607   67.0011 Asia/Karachi
IN  19.0760   72.8777 Asia/Kolkata
IN  28.6139   77.2090 Asia/Kolkata
BD  23.8103   90.4125 Asia/Dhaka
TH  13.7563  100.5018 Asia/Bangkok
SG   1.3521  103.8198 Asia/Singapore
CN  31.2304  121.4737 Asia/Shanghai
KR  37.5665  126.9780 Asia/Seoul
JP  35.6762  139.6503 Asia/Tokyo
JP  34.6937  135.5023 Asia/Tokyo
AU -33.8688  151.2093 Australia/Sydney
AU -27.4698  153.0251 Australia/Brisbane
NZ -36.8509  174.7645 Pacific/Auckland
US  21.3099 -157.8581 Pacific/Honolulu
US  61.2181 -149.9003 America/Anchorage
US  34.0522 -118.2437 America/Los_Angeles
US  37.7749 -122.4194 America/Los_Angeles
US  39.7392 -104.9903 America/Denver
US  41.8781  -87.6298 America/Chicago
US  40.7128  -74.0060 America/New_York
CA  43.6532  -79.3832 America/Toronto
CA  49.2827 -123.1207 America/Vancouver
MX  19.4326  -99.1332 America/Mexico_City
CO   4.7110  -74.0721 America/Bogota
BR -23.5505  -46.6333 America/Sao_Paulo
AR -34.6037  -58.3816 America/Argentina/Buenos_Aires
""")


def distance_km(one: City, other: City) -> float:
    """Return the great circle between two cities."""
    north, further_north = math.radians(one.latitude), math.radians(other.latitude)
    half_east = math.radians(other.longitude - one.longitude) / 2
    half_north = (further_north - north) / 2
    chord = math.sin(half_north) ** 2 + math.cos(north) * math.cos(further_north) * math.sin(half_east) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def travel_ms(one: City, other: City) -> int:
    """Return how long somebody takes from one city to another, at least."""
    return int((TRAVEL_EXTRA_HOURS + distance_km(one, other) / TRAVEL_KM_PER_HOUR) * HOUR_MS)
