{
  "version": {
    "major": 1,
    "minor": 5
  },
  "meta": {
    "name": "Default",
    "version": "1.0",
    "description": "Saturn and its rings, under a drifting Milky Way. Drawn by the demo renderer.",
    "author": "OpenSpace WebRTC",
    "url": "https://www.openspaceproject.com",
    "license": "MIT"
  },
  "assets": [
    "base",
    "scene/solarsystem/planets",
    "scene/solarsystem/missions/apollo/apollo11"
  ],
  "properties": [],
  "time": {
    "type": "absolute",
    "value": "2026-01-01T00:00:00",
    "is_paused": false
  },
  "delta_times": [
    1,
    5,
    30,
    60,
    300,
    1800,
    3600,
    43200,
    86400,
    604800
  ],
  "camera": {
    "type": "setNavigationState",
    "anchor": "Saturn",
    "position": [
      207000000.0,
      0.0,
      81000000.0
    ]
  },
  "mark_nodes": [
    "Sun",
    "Earth",
    "Moon",
    "Mars",
    "Jupiter",
    "Saturn"
  ],
  "panel_visibility": {}
}
