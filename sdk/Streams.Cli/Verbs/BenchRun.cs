using System.Buffers.Binary;
using Streams.Client;
using Streams.Core;

namespace Streams.Cli;

/// <summary>What <c>bench</c> is to do.</summary>
internal sealed record BenchPlan(StreamPath Stream, int Count, double? Rate, int Size, int Topics, int Publishers, bool Consume,
    TimeSpan Limit, int MostUnderWay);

/// <summary>Does it. Each payload begins with a random number of the run and the moment it was published, so a consumer of this process can
/// tell its own events and how old they are.</summary>
internal sealed class BenchRun(CliContext context, OpenClient open, BenchPlan plan)
{
    private const int HeadBytes = 16;

    private readonly LatencyCounts _onDevice = new();
    private readonly LatencyCounts _inCluster = new();
    private readonly LatencyCounts _endToEnd = new();
    private readonly long _run = context.Chance.NextInt64();
    private readonly StoredCount _stored = new(plan.MostUnderWay);
    private long _published;

    private bool HasHead => plan.Size >= HeadBytes;

    /// <summary>Runs.</summary>
    public async Task<BenchAnswer> RunAsync(CancellationToken cancellationToken)
    {
        if (plan.Consume && !HasHead)
        {
            throw new CliException(ExitCode.Usage, $"--consume: --size must be at least {HeadBytes}, which tell the events apart");
        }

        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task consuming = plan.Consume ? await ConsumeAsync(end.Token) : Task.CompletedTask;
        using ProgressBar progress = new(context, "stored", () => (_stored.Stored, plan.Count));
        long began = context.Time.GetTimestamp();
        try
        {
            int left = plan.Count;
            Pace pace = new(plan.Rate, context.Time);
            SemaphoreSlim turn = new(1, 1);
            int publishers = Math.Min(plan.Publishers, plan.Count);
            await Task.WhenAll(Enumerable.Range(0, publishers).Select(_ => Task.Run(PublishAsync, cancellationToken)));
            double published = context.Time.GetElapsedTime(began).TotalSeconds;
            await PublishVerb.StoredAllAsync(context, open, _stored, () => _published, plan.Limit, cancellationToken);
            double seconds = context.Time.GetElapsedTime(began).TotalSeconds;
            await ConsumedAsync(consuming, cancellationToken);
            return new BenchAnswer(_published, _stored.Stored, _stored.Refused, _endToEnd.Count, plan.Size, seconds, _published / published,
                _stored.Stored / seconds, LatencyAnswer.Of(_onDevice), LatencyAnswer.Of(_inCluster),
                plan.Consume ? LatencyAnswer.Of(_endToEnd) : null);

            async Task PublishAsync()
            {
                byte[] payload = new byte[plan.Size];
                while (Interlocked.Decrement(ref left) is >= 0 and var number)
                {
                    await turn.WaitAsync(cancellationToken);
                    try
                    {
                        await pace.NextAsync(cancellationToken);
                    }
                    finally
                    {
                        turn.Release();
                    }

                    await PublishOneAsync(payload, number, cancellationToken);
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            await consuming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PublishOneAsync(byte[] payload, int number, CancellationToken cancellationToken)
    {
        if (!await _stored.HasRoomAsync(plan.Limit, cancellationToken))
        {
            throw open.Unreachable($"nothing was stored for {plan.Limit.TotalSeconds:0.#} s");
        }

        long began = context.Time.GetTimestamp();
        if (HasHead)
        {
            BinaryPrimitives.WriteInt64LittleEndian(payload, _run);
            BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(8), began);
        }

        PublishReceipt receipt = await open.Client.PublishAsync(plan.Stream, TopicName.Parse($"bench/{number % plan.Topics}"), payload,
            cancellationToken: cancellationToken);
        _onDevice.Add(context.Time.GetElapsedTime(began));
        Interlocked.Increment(ref _published);
        _stored.Follow(receipt, () => _inCluster.Add(context.Time.GetElapsedTime(began)));
    }

    private async Task<Task> ConsumeAsync(CancellationToken cancellationToken)
    {
        StreamsConsumer consumer = await open.Client.ConsumeAsync(new ConsumerOptions
        {
            Name = ConsumerName.Parse($"streams-bench-{_run:x16}"),
            Stream = plan.Stream,
            Filters = ["bench/+"],
            Start = StartPosition.Earliest,
        }, cancellationToken);
        return Task.Run(() => ReadAsync(consumer, cancellationToken), CancellationToken.None);
    }

    private async Task ReadAsync(StreamsConsumer consumer, CancellationToken cancellationToken)
    {
        await using (consumer)
        {
            await foreach (ReceivedEvent e in consumer.ReadAllAsync(cancellationToken))
            {
                ReadOnlySpan<byte> payload = e.Payload.Span;
                if (payload.Length >= HeadBytes && BinaryPrimitives.ReadInt64LittleEndian(payload) == _run)
                {
                    _endToEnd.Add(context.Time.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(payload[8..])));
                }
            }
        }
    }

    private async Task ConsumedAsync(Task consuming, CancellationToken cancellationToken)
    {
        (long seen, long since) = (-1, context.Time.GetTimestamp());
        while (plan.Consume && _endToEnd.Count < _stored.Stored)
        {
            if (consuming.IsFaulted)
            {
                await consuming;
            }

            if (_endToEnd.Count is var count && count != seen)
            {
                (seen, since) = (count, context.Time.GetTimestamp());
            }
            else if (context.Time.GetElapsedTime(since) > plan.Limit)
            {
                throw open.Unreachable($"{_stored.Stored - count} of {_stored.Stored} events did not come to the consumer: nothing came for"
                    + $" {plan.Limit.TotalSeconds:0.#} s");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), context.Time, cancellationToken);
        }
    }
}
