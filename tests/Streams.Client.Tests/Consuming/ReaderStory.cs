using System.Collections.Immutable;
using System.Text;
using Streams.Core;

namespace Streams.Client.Tests;

/// <summary>Tells a story to one reader and writes down what it gives: lanes are named A.1, B.2, producers by a letter.</summary>
internal sealed class ReaderStory
{
    private readonly ReaderOutput _output = new();
    private readonly EventBatchBuilder _builder = new();
    private readonly List<GivenEvent> _given = [];
    private readonly Dictionary<ProducerEpoch, KeptRuns> _kept = [];
    private readonly int _holdBack;
    private readonly long _patience;

    public ReaderStory(int holdBack = 1000, long patience = 30_000, Cursor? local = null)
    {
        _holdBack = holdBack;
        _patience = patience;
        Reader = new PassByReader(new PartitionId(0), new ReaderLimits(holdBack, long.MaxValue), local ?? Cursor.Start, new GivenMemory(),
            new PatienceClock(patience));
        Reader.Begin(Reader.Confirmed());
    }

    public PassByReader Reader { get; private set; }

    /// <summary>Milliseconds.</summary>
    public long Now { get; set; } = 1_000_000;

    /// <summary>What was given since the last look, as <c>A.1@3 p:7</c>; a trailing <c>!</c> marks a released order.</summary>
    public List<string> Log { get; } = [];

    public List<string> Resumes { get; } = [];

    public ReaderOutput Totals { get; } = new();

    public static Origin Lane(string name)
    {
        string[] parts = name.Split('.');
        return new Origin(ClusterName.Parse(parts[0].ToLowerInvariant()), new Incarnation(ulong.Parse(parts[1])));
    }

    public static ProducerId Producer(char name) => new(name);

    public static EventIdentity Identity(char producer, long sequence, ulong epoch = 1) => new(Producer(producer), epoch, sequence);

    public static AfterVector After(params (string Lane, long Offset)[] after) =>
        AfterVector.Of(after.Select(a => new EventPlace(Lane(a.Lane), new Offset(a.Offset))));

    public static Cursor CursorAt(params (string Lane, long Next)[] positions) => CursorAt(default(Generation), positions);

    public static Cursor CursorAt(Generation generation, params (string Lane, long Next)[] positions) =>
        new(generation, positions.ToImmutableSortedDictionary(p => Lane(p.Lane), p => new Offset(p.Next)), []);

    /// <summary>A batch of one producer at an offset of a lane.</summary>
    public ReaderStory Events(string lane, long offset, char producer, long first, int count = 1, ulong epoch = 1,
        (string Lane, long Offset)[]? after = null,
        bool acknowledge = true)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(_builder.TryAdd("t"u8, default, default, Encoding.UTF8.GetBytes($"{first + i}"), 0));
        }

        EventBatch batch = _builder.Build(Identity(producer, first, epoch), default, mayHaveTwins: false);
        Delivery delivery = new()
        {
            Subscription = 1,
            Kind = DeliveryKind.Events,
            Partition = new PartitionId(0),
            Origin = Lane(lane),
            From = new Offset(offset),
            To = new Offset(offset + count),
            BatchOffset = new Offset(offset),
            After = After(after ?? []),
            Covered = [batch.Header.Run],
            Batch = batch.Bytes,
        };
        return Take(delivery, batch, acknowledge);
    }

    public ReaderStory Gap(string lane, long from, long to) => Other(DeliveryKind.Gap, lane, from, to);

    public ReaderStory Advance(string lane, long from, long to, params SequenceRun[] covered) =>
        Other(DeliveryKind.Advance, lane, from, to, covered);

    public ReaderStory Released(string lane, long end) => Other(DeliveryKind.Released, lane, end, end);

    public ReaderStory Rewound(Cursor cursor) =>
        Take(new Delivery { Subscription = 1, Kind = DeliveryKind.Rewound, Partition = new PartitionId(0), Cursor = cursor }, null,
            acknowledge: true);

    public ReaderStory Take(Delivery delivery, EventBatch? batch, bool acknowledge)
    {
        Assert.Null(Reader.Receive(delivery, batch, Now, _output));
        return Note(acknowledge);
    }

    public ReaderStory Tick(long milliseconds)
    {
        Now += milliseconds;
        Reader.Tick(Now, _output);
        return Note(acknowledge: true);
    }

    public ReaderStory Acknowledge(char producer, long sequence, ulong epoch = 1)
    {
        GivenEvent given = _given.Last(g => g.Identity == Identity(producer, sequence, epoch));
        Reader.Acknowledge(given.Identity, 1, given.Life, Now);
        return this;
    }

    /// <summary>The connection is lost and made again; the cluster's own cursor is <paramref name="cluster"/>.</summary>
    public ReaderStory Reconnect(Cursor? cluster = null)
    {
        Reader.EndSession();
        Reader.Begin(Cursor.Join(cluster ?? Cursor.Start, Reader.Confirmed()));
        return this;
    }

    /// <summary>The process dies and comes back with what it kept.</summary>
    public ReaderStory Restart()
    {
        Cursor kept = Reader.Confirmed();
        foreach (KeptRuns runs in Reader.Given.TakeChanges())
        {
            _kept[runs.Key] = runs;
        }

        GivenMemory given = new();
        foreach (KeptRuns runs in _kept.Values.Where(static k => k.Runs.Length > 0))
        {
            given.Restore(runs);
        }

        PatienceClock patience = new(_patience);
        foreach (KeptWait wait in Reader.Patience.Take())
        {
            patience.Restore(wait);
        }

        Reader = new PassByReader(new PartitionId(0), new ReaderLimits(_holdBack, long.MaxValue), kept, given, patience);
        Reader.Begin(kept);
        return this;
    }

    /// <summary>What was given since the last look is exactly this, in this order.</summary>
    public ReaderStory Gives(params string[] expected)
    {
        Assert.Equal(expected, Log);
        Log.Clear();
        return this;
    }

    public ReaderStory CursorIs(params (string Lane, long Next)[] expected)
    {
        Assert.Equal(
            expected.Select(e => $"{Lane(e.Lane)}={e.Next}").Order(),
                Reader.Confirmed().Positions.Where(p => p.Value.Value > 0).Select(p => $"{p.Key}={p.Value}").Order());
        return this;
    }

    private static string Name(Origin origin) => $"{origin.Cluster.Value.ToUpperInvariant()}.{origin.Incarnation.Value}";

    private ReaderStory Other(DeliveryKind kind, string lane, long from, long to, params SequenceRun[] covered) => Take(
        new Delivery
        {
            Subscription = 1,
            Kind = kind,
            Partition = new PartitionId(0),
            Origin = Lane(lane),
            From = new Offset(from),
            To = new Offset(to),
            Covered = covered,
        },
        null, acknowledge: true);

    private ReaderStory Note(bool acknowledge)
    {
        foreach (GivenEvent given in _output.Given.SelectMany(static g => g.Each()))
        {
            _given.Add(given);
            string released = given.OrderReleased ? "!" : string.Empty;
            Log.Add($"{Name(given.Origin)}@{given.Offset} {(char)(int)given.Identity.Producer.Value}:{given.Identity.Sequence}{released}");
            Assert.Equal(Encoding.UTF8.GetString(given.View.Payload.Span), $"{given.Identity.Sequence}");
            if (acknowledge)
            {
                Reader.Acknowledge(given.Identity, 1, given.Life, Now);
            }
        }

        Resumes.AddRange(_output.Resumes.Select(static r => $"{Name(r.Origin)}@{r.Offset}"));
        Totals.HeldBack += _output.HeldBack;
        Totals.TwinsCaught += _output.TwinsCaught;
        Totals.LanesStopped += _output.LanesStopped;
        Totals.ReleasedByClosure += _output.ReleasedByClosure;
        Totals.ReleasedByPatience += _output.ReleasedByPatience;
        Totals.GapEvents += _output.GapEvents;
        _output.Clear();
        return this;
    }
}
