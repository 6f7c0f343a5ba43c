-- OpenSpace up to 0.21 ran a file of this name before its configuration: it defines `sgct`, which the configuration uses.
-- The demo renderer needs one window layout only.
sgct = { config = {} }

function sgct.config.single()
  return "${CONFIG}/single.json"
end
