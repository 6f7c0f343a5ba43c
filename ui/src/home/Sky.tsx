import classes from './Sky.module.css';

/** Places, sizes and brightness of a few stars round the pole; drawn once, the same for everybody. */
const stars = Array.from({ length: 64 }, (_, i) => {
  const angle = i * 2.399963;
  const distance = 40 + 455 * Math.sqrt((i + 0.5) / 64);
  return {
    x: 500 + distance * Math.cos(angle),
    y: 500 + distance * Math.sin(angle),
    r: 0.9 + ((i * 37) % 11) / 6.5,
    opacity: 0.3 + ((i * 53) % 10) / 16,
  };
});

const circles = [95, 190, 285, 380, 475];
const hours = Array.from({ length: 24 }, (_, hour) => hour * 15);

/** A chart of the sky about its pole, which turns too slowly to be noticed. Only decoration. */
export function Sky() {
  return (
    <div className={classes.sky} aria-hidden="true">
      <svg viewBox="0 0 1000 1000" className={classes.chart}>
        <g className={classes.turning}>
          {circles.map((radius) => (
            <circle key={radius} cx="500" cy="500" r={radius} className={classes.line} />
          ))}
          {hours.map((angle) => (
            <line
              key={angle}
              x1="500"
              y1={angle % 90 === 0 ? 405 : 120}
              x2="500"
              y2={angle % 90 === 0 ? 25 : 110}
              className={classes.line}
              transform={`rotate(${angle} 500 500)`}
            />
          ))}
          {stars.map((star) => (
            <circle
              key={star.x}
              cx={star.x}
              cy={star.y}
              r={star.r}
              opacity={star.opacity}
              className={classes.star}
            />
          ))}
          <ellipse cx="500" cy="445" rx="395" ry="372" className={classes.ecliptic} />
        </g>
      </svg>
    </div>
  );
}
