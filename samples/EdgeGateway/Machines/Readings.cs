using System.Buffers;
using System.Text.Json;

namespace EdgeGateway;

/// <summary>What a machine measures, one reading after the other.</summary>
internal interface IReadings
{
    /// <summary>Writes the next one, as a JSON object.</summary>
    void Next(IBufferWriter<byte> output);
}

/// <summary>A press that warms up, wears and counts.</summary>
internal sealed class SimulatedReadings(Random chance) : IReadings
{
    private double _temperature = 20 + (5 * chance.NextDouble());
    private double _vibration = 0.2 + (0.1 * chance.NextDouble());
    private long _strokes = chance.Next(100_000);

    public void Next(IBufferWriter<byte> output)
    {
        _temperature += ((68 - _temperature) * 0.02) + chance.NextDouble() - 0.5;
        _vibration = Math.Max(0.05, _vibration + ((chance.NextDouble() - 0.5) * 0.02));
        _strokes += chance.Next(1, 4);
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        json.WriteNumber("temperatureC", Math.Round(_temperature, 2));
        json.WriteNumber("vibrationG", Math.Round(_vibration, 4));
        json.WriteNumber("pressureBar", Math.Round(180 + (8 * chance.NextDouble()), 2));
        json.WriteNumber("strokes", _strokes);
        json.WriteBoolean("alarm", _temperature > 75);
        json.WriteEndObject();
    }
}

/// <summary>One device of a recording, from somewhere in it on and over again.</summary>
internal sealed class RecordedReadings(ReplayFile file, int[] rows, int start) : IReadings
{
    private readonly RowJson _json = new(file.Columns);
    private int _at = start;

    public void Next(IBufferWriter<byte> output) => _json.Write(file.Record(file.Rows[rows[_at++ % rows.Length]]), output);
}
