using System.Globalization;
using Streams.Client;
using Streams.Core;

namespace Streams.Faults;

/// <summary>
/// The device of the fault table, a process that uses the SDK as any other would. It publishes numbered events until it is told to finish,
/// and tells each step. Commands, a line each: <c>finish</c> publishes no more, waits until clusters have everything and ends;
/// <c>clock SECONDS</c> sets its wall clock. The end of its input is the end of the process.
/// </summary>
/// <remarks>Whatever the fault, it goes on: a publish that fails is told, and the next number comes a moment later. Only an outbox that
/// cannot be opened ends it, with exit code 3.</remarks>
internal sealed class DeviceProgram : IDisposable
{
    public const int CannotOpen = 3;

    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan PauseBehindFault = TimeSpan.FromMilliseconds(20);

    private readonly DeviceOrder _order;
    private readonly ShiftedTime _time;
    private readonly Tell _tell = new();
    private readonly CancellationTokenSource _finish = new();
    private readonly StreamPath _stream;
    private int _unconfirmed;

    private DeviceProgram(DeviceOrder order)
    {
        _order = order;
        _time = new ShiftedTime(TimeSpan.FromSeconds(order.ClockOff));
        _stream = StreamPath.Parse(order.Stream);
    }

    public static async Task<int> RunAsync(DeviceOrder order)
    {
        using var program = new DeviceProgram(order);
        return await program.RunAsync();
    }

    public void Dispose()
    {
        _finish.Dispose();
        _tell.Dispose();
    }

    private async Task<int> RunAsync()
    {
        StreamsClient client;
        try
        {
            client = await StreamsClient.OpenAsync(_order.ToOptions(), time: _time, chance: new Random(_order.Seed));
        }
        catch (StreamsException cause)
        {
            _tell.Line(Tell.Failed, 0, cause.Message);
            return CannotOpen;
        }

        await using (client)
        {
            _tell.Line(Tell.Opened);
            _ = Task.Run(ObeyAsync);
            await PublishAllAsync(client);
            await client.FlushAsync();
            _tell.Line(Tell.Flushed);
        }

        return 0;
    }

    private async Task ObeyAsync()
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "finish")
            {
                await _finish.CancelAsync();
            }
            else if (line.Split(' ') is ["clock", var seconds])
            {
                _time.Jump(TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)));
            }
        }

        // Whoever started it is gone.
        Environment.Exit(1);
    }

    private async Task PublishAllAsync(StreamsClient client)
    {
        using var breath = new PeriodicTimer(Breath);
        var next = _order.First;
        var burst = new List<Task<bool>>();
        while (!_finish.IsCancellationRequested)
        {
            if (Volatile.Read(ref _unconfirmed) >= _order.MaxUnconfirmed)
            {
                await breath.WaitForNextTickAsync();
                continue;
            }

            burst.Clear();
            for (var i = 0; i < _order.Burst; i++)
            {
                burst.Add(PublishAsync(client, next++));
            }

            var all = await Task.WhenAll(burst);
            if (Array.IndexOf(all, false) >= 0)
            {
                using var pause = new PeriodicTimer(PauseBehindFault);
                await pause.WaitForNextTickAsync();
            }
        }
    }

    private async Task<bool> PublishAsync(StreamsClient client, int number)
    {
        _tell.Line(Tell.Begun, number);
        try
        {
            var receipt = await client.PublishAsync(
                _stream, EventName.Topic(_order.Name, number), EventName.Payload(_order.Name, number, _order.PayloadBytes),
                _order.Policy == OutboxPolicy.KeepLatestPerKey ? EventName.Key(number) : default, cancellationToken: _finish.Token);
            if (receipt.Outcome == PublishOutcome.Rejected)
            {
                _tell.Line(Tell.Refused, number);
                return true;
            }

            _tell.Line(Tell.Published, number);
            Interlocked.Increment(ref _unconfirmed);
            _ = NoteAsync(receipt, number);
            return true;
        }
        catch (StorageFailedException cause) when (!cause.IsFull)
        {
            _tell.Line(Tell.Unsure, number, cause.Message);
            return false;
        }
        catch (StreamsException cause)
        {
            _tell.Line(Tell.Failed, number, cause.Message);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;                                     // told to finish while it waited for room: nobody knows of this one
        }
    }

    private async Task NoteAsync(PublishReceipt receipt, int number)
    {
        try
        {
            var stored = await receipt.Stored;
            if (stored.Outcome == PublishOutcome.Stored)
            {
                _tell.Line(Tell.Stored, number, stored.Place.ToString());
            }
            else
            {
                _tell.Line(Tell.Dropped, number, stored.Outcome.ToString());
            }
        }
        catch (StreamsException cause)
        {
            _tell.Line(Tell.Dropped, number, cause.Message);
        }
        catch (OperationCanceledException)
        {
            // The client was closed first: the event stays in the outbox.
        }
        finally
        {
            Interlocked.Decrement(ref _unconfirmed);
        }
    }
}
