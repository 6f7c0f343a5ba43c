import { IconPlanet } from '@tabler/icons-react';

import { usePicture } from '../hooks/usePicture';
import { clsx } from './clsx';
import classes from './Thumbnail.module.css';

type ThumbnailProps = {
  /** Fetches a JPEG; asked again every few seconds while the picture is on the screen. */
  fetchPicture: () => Promise<Blob>;
  /** Is there anything to see? */
  active: boolean;
  label: string;
  /** A picture of the past, kept but quiet. */
  faded?: boolean;
};

export function Thumbnail({ fetchPicture, active, label, faded = false }: ThumbnailProps) {
  const { ref, url } = usePicture(fetchPicture, active);
  return (
    <div ref={ref} className={clsx(classes.frame, faded && classes.faded)}>
      {url ? (
        <img className={classes.picture} src={url} alt={label} />
      ) : (
        <IconPlanet size={44} stroke={1} className={classes.empty} aria-hidden="true" />
      )}
    </div>
  );
}
