{
  "version": {
    "major": 1,
    "minor": 5
  },
  "meta": {
    "name": "Night Sky",
    "version": "1.0",
    "description": "The sky above the Moon, with the celestial grid. Drawn by the demo renderer.",
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
      "type": "setPropertyValueSingle",
      "name": "Scene.Grid.Renderable.Enabled",
      "value": "true"
    }
  ],
  "time": {
    "type": "absolute",
    "value": "2026-06-21T22:00:00",
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
    "anchor": "Moon",
    "position": [
      9000000.0,
      6000000.0,
      -1600000.0
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
  "panel_visibility": {},
  "actions": [
    {
      "identifier": "profile.dim_nebula",
      "name": "Dim the Milky Way",
      "documentation": "Shows the bare stars, or the Milky Way again.",
      "gui_path": "/Night Sky",
      "is_local": false,
      "script": "openspace.invertBooleanProperty(\"Scene.MilkyWay.Renderable.Enabled\")"
    }
  ],
  "keybindings": [
    {
      "key": "M",
      "action": "profile.dim_nebula"
    }
  ]
}
