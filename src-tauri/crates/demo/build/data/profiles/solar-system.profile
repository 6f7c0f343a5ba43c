{
  "version": {
    "major": 1,
    "minor": 5
  },
  "meta": {
    "name": "Solar System",
    "version": "1.0",
    "description": "Starts at Earth with its Moon; the keys 1 to 9 travel to the Sun and the planets. Drawn by the demo renderer.",
    "author": "OpenSpace WebRTC",
    "url": "https://www.openspaceproject.com",
    "license": "MIT"
  },
  "assets": [
    "base",
    "scene/solarsystem/planets"
  ],
  "properties": [
    {
      "type": "setPropertyValue",
      "name": "{planet_trail}.Renderable.Enabled",
      "value": "true"
    },
    {
      "type": "setPropertyValueSingle",
      "name": "RenderEngine.ShowLabels",
      "value": "true"
    }
  ],
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
    "type": "goToNode",
    "anchor": "Earth",
    "height": 21000000.0
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
