using System.Globalization;

namespace Streams.Cli;

/// <summary>Shows how far a command is, on standard error and only where that is a terminal. Safe for use by many threads.</summary>
internal sealed class ProgressBar : IDisposable
{
    private const int Width = 30;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(200);

    private readonly TextWriter? _to;
    private readonly string _what;
    private readonly Func<(long Done, long? Of)> _now;
    private readonly ITimer? _timer;
    private readonly long _began;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private bool _ended;

    /// <summary>Begins to show.</summary>
    /// <param name="context">Where.</param>
    /// <param name="what">What is counted.</param>
    /// <param name="now">How far it is.</param>
    /// <param name="writes">Whether the command writes all the time: then the bar is not shown where that is to be read.</param>
    public ProgressBar(CliContext context, string what, Func<(long Done, long? Of)> now, bool writes = false)
    {
        _to = context.Terminal.ShowsProgress && !(writes && context.Terminal.ShowsOutput) ? context.Terminal.Error : null;
        _what = what;
        _now = now;
        _time = context.Time;
        _began = _time.GetTimestamp();
        _timer = _to is null ? null : _time.CreateTimer(_ => Show(), null, Every, Every);
    }

    /// <summary>The line for a state: a bar when the end is known.</summary>
    public static string Line(string what, long done, long? of, TimeSpan elapsed)
    {
        double rate = elapsed > TimeSpan.Zero ? done / elapsed.TotalSeconds : 0;
        string bar = of is { } all and > 0
            ? $"[{new string('#', (int)(Width * Math.Min(done, all) / all)).PadRight(Width)}] {100 * Math.Min(done, all) / all,3} %  "
            : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $"{what} {bar}{done}{(of is null ? "" : $" of {of}")}  {rate:0} per second");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            if (!_ended && _to is not null)
            {
                _to.Write("\r\u001b[K");
            }

            _ended = true;
        }
    }

    private void Show()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                (long done, long? of) = _now();
                _to!.Write($"\r\u001b[K{Line(_what, done, of, _time.GetElapsedTime(_began))}");
                _to.Flush();
            }
        }
    }
}
