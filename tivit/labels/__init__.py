"""What of the labels needs pixels or registrations: the lag between labels and video, and which clips can be used."""
