"""Gold against predicted entities: metrics, calibration, reports of data and speed."""
