import classes from './DemoTag.module.css';

/** Said wherever the stand-in appears, so that nobody takes it for OpenSpace. */
export function DemoTag() {
  return (
    <span className={classes.tag} title="A stand-in sky of our own, not OpenSpace">
      Demo
    </span>
  );
}
