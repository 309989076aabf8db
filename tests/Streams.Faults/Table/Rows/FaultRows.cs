namespace Streams.Faults;

/// <summary>All rows, in the order of the table.</summary>
internal static class FaultRows
{
    public static IReadOnlyList<FaultRow> All { get; } =
    [
        .. DeviceKillRows.All, .. ReaderRows.All, .. ClusterKillRows.All, .. LineRows.All, .. DiskRows.All, .. ClockRows.All,
        .. PolicyRows.All,
    ];

    public static FaultRow? Find(string name) => All.FirstOrDefault(row => row.Name == name);
}
