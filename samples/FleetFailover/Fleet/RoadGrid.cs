namespace FleetFailover;

/// <summary>Streets north-south and east-west, a block apart, around the middle of San Jose.</summary>
internal static class RoadGrid
{
    public const int Blocks = 60;
    public const double BlockMetres = 180;

    private const double SouthWestLatitude = 37.285;
    private const double SouthWestLongitude = -121.95;
    private const double MetresPerDegree = 111_320;

    /// <summary>Headings in degrees, clockwise from north, by direction number.</summary>
    public static int Heading(int direction) => direction * 90;

    public static (int East, int North) Step(int direction) => direction switch
    {
        0 => (0, 1),
        1 => (1, 0),
        2 => (0, -1),
        _ => (-1, 0),
    };

    public static bool Leads(int east, int north, int direction)
    {
        (int stepEast, int stepNorth) = Step(direction);
        return east + stepEast is >= 0 and <= Blocks && north + stepNorth is >= 0 and <= Blocks;
    }

    /// <summary>The place so many metres from a crossing.</summary>
    public static (double Latitude, double Longitude) Place(int east, int north, int direction, double metres)
    {
        (int stepEast, int stepNorth) = Step(direction);
        double latitude = SouthWestLatitude + ((north * BlockMetres) + (stepNorth * metres)) / MetresPerDegree;
        double longitude = SouthWestLongitude
            + ((east * BlockMetres) + (stepEast * metres)) / (MetresPerDegree * Math.Cos(SouthWestLatitude * Math.PI / 180));
        return (latitude, longitude);
    }
}
