using System.Net;
using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Geo;
using Streams.Storage;
using Streams.Testing;

namespace Streams.Simulation;

/// <summary>One cluster in this process: a real container on a real disk, real links over loopback.</summary>
internal sealed class Member(ClusterName name, string directory, int linkPort, ILoggerFactory logging, Random chance) : IAsyncDisposable
{
    private readonly Origin _origin = new(name, Incarnation.After(default, TimeProvider.System, chance));
    private HorizonMemory _memory = HorizonMemory.Empty;

    public ClusterName Name => name;

    public int LinkPort => linkPort;

    public Container Container { get; private set; } = null!;

    public LinkObservations Seen { get; } = new();

    public GeoService Links { get; private set; } = null!;

    public bool IsUp { get; private set; }

    public async Task StartAsync(IReadOnlyList<LinkTarget> targets)
    {
        Directory.CreateDirectory(directory);
        Container = await Container.OpenAsync(new ContainerOptions { Directory = directory, SegmentBytes = 1 << 20,
            AllocationBytes = 1 << 20 },
            TimeProvider.System, chance, logging.CreateLogger<Container>(), CancellationToken.None);
        await Container.StartWritingAsync(_origin, CancellationToken.None);
        Links = new GeoService(new WatchedStore(Container, Seen), new GeoOptions
        {
            Targets = targets,
            Listen = new IPEndPoint(IPAddress.Loopback, linkPort),
            FirstPause = TimeSpan.FromMilliseconds(20),
            LongestPause = TimeSpan.FromMilliseconds(300),
            StartGrace = TimeSpan.Zero,
        }, _memory, memory => _memory = memory, logging.CreateLogger<GeoService>(), TimeProvider.System, chance);
        await Links.StartAsync(CancellationToken.None);
        IsUp = true;
    }

    public async Task StopAsync()
    {
        if (IsUp)
        {
            IsUp = false;
            await Links.DisposeAsync();
            await Container.DisposeAsync();
        }
    }

    /// <summary>Every lane as text: each entry's number, kind, first offset and a checksum of its body.</summary>
    public async Task<SortedDictionary<string, List<string>>> LanesAsync()
    {
        SortedDictionary<string, List<string>> lanes = new(StringComparer.Ordinal);
        foreach (LaneStatus status in Container.Lanes())
        {
            List<string> entries = [];
            for (EntryNumber at = status.FirstEntry; at < status.NextEntry;)
            {
                using LaneSlice slice = await Container.ReadAsync(status.Lane, at, 1 << 20, CancellationToken.None);
                foreach (LaneEntry entry in slice.Entries)
                {
                    entries.Add($"{entry.Number} {entry.Kind} {entry.BaseOffset}+{entry.EventCount} {Crc32C.Compute(entry.Body.Span):x8}");
                    at = entry.Number + 1;
                }
            }

            lanes.Add(status.Lane.ToString(), entries);
        }

        return lanes;
    }

    public async ValueTask DisposeAsync() => await StopAsync();
}
